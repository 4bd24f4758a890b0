export function Lost({ path }: { path: string }) {
  return (
    <section class="empty">
      <h1>Nothing is here</h1>
      <p>
        <code>{path}</code> is no address of this dashboard.
      </p>
      <p>
        <a href="/ui/">Overview</a> · <a href="/ui/services">Services</a> · <a href="/ui/routes">Routes</a>
      </p>
    </section>
  );
}
