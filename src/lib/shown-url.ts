/** A URL for logs and messages: without user, password, query and fragment, where secrets are. What is no URL is not shown. */
export function shownUrl(url: string | URL): string {
  if (typeof url === 'string' && !URL.canParse(url)) return 'what is no URL';
  const { origin, protocol, host, pathname } = new URL(url);
  return (origin === 'null' ? `${protocol}//${host}` : origin) + pathname;
}
