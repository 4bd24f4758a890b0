import { useEffect } from 'preact/hooks';
import type { About } from '../../src/api/muster/wire.ts';
import { byName } from './format.ts';
import { type Link, type LiveView, useLive } from './live.ts';
import { addressOf, type Place } from './location.ts';
import { usePlace } from './navigation.ts';
import { TabBar } from './parts/tab-bar.tsx';
import { TokenButton } from './parts/token-field.tsx';
import { Access } from './screens/access.tsx';
import { Api } from './screens/api.tsx';
import { Cluster } from './screens/cluster.tsx';
import { Connections } from './screens/connections.tsx';
import { Dns } from './screens/dns.tsx';
import { Events } from './screens/events.tsx';
import { Groups } from './screens/groups.tsx';
import { HistoryScreen } from './screens/history.tsx';
import { Keys } from './screens/keys.tsx';
import { Lost } from './screens/lost.tsx';
import { Overview } from './screens/overview.tsx';
import { Refused } from './screens/refused.tsx';
import { Routes } from './screens/routes.tsx';
import { ServiceScreen } from './screens/service.tsx';
import { Services } from './screens/services.tsx';
import { Sessions } from './screens/sessions.tsx';
import { type Theme, useTheme } from './theme.ts';

const TABS = (
  [
    { name: 'overview', label: 'Overview' },
    { name: 'services', label: 'Services' },
    { name: 'routes', label: 'Routes' },
    { name: 'connections', label: 'Connections' },
    { name: 'groups', label: 'Groups' },
    { name: 'keys', label: 'Keys' },
    { name: 'sessions', label: 'Sessions' },
    { name: 'dns', label: 'DNS' },
    { name: 'access', label: 'Access' },
    { name: 'cluster', label: 'Cluster' },
    { name: 'history', label: 'History' },
    { name: 'events', label: 'Events' },
    { name: 'api', label: 'API' },
  ] as const
).map((tab) => ({ ...tab, href: addressOf(tab) }));

export function App() {
  const place = usePlace();
  const view = useLive();
  const title = titleOf(place);
  useEffect(() => {
    document.title = `${title} · Muster`;
  }, [title]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header place={place} view={view} />
      <main id="main" tabIndex={-1}>
        {view.link === 'lost' && view.picture !== undefined && (
          <p class="notice" role="status">
            {view.refusal === ''
              ? 'No connection to the agent.'
              : `The agent gives no more news: ${view.refusal}.`}{' '}
            What you see is the last that is known; trying again…
          </p>
        )}
        <Content place={place} view={view} />
      </main>
    </>
  );
}

function Header({ place, view }: { place: Place; view: LiveView }) {
  const { theme, next } = useTheme();
  const about = view.picture?.about;
  const current = place.screen.name === 'service' ? 'services' : place.screen.name;
  return (
    <header class="top">
      <div class="inner">
        <a class="brand" href="/ui/" aria-label="Muster, overview">
          <Logo />
          muster
        </a>
        <TabBar tabs={TABS} current={current} />
        <div class="side">
          {about !== undefined && (
            <span class="where" title={whereWords(about)}>
              {about.node} <span class="faint">in {about.datacenter}</span>
            </span>
          )}
          <LinkState link={view.link} title={about && whereWords(about)} />
          <TokenButton />
          <button
            type="button"
            class="quiet icon"
            onClick={next}
            aria-label={`Colours: ${theme}. Change`}
            title={`Colours: ${theme}`}
          >
            <ThemeIcon theme={theme} />
          </button>
        </div>
      </div>
    </header>
  );
}

function Content({ place, view }: { place: Place; view: LiveView }) {
  const { screen, query } = place;
  if (screen.name === 'lost') return <Lost path={screen.path} />;
  const { picture } = view;
  if (view.link === 'refused') return <Refused refusal={view.refusal} />;
  if (picture === undefined) return <Waiting link={view.link} refusal={view.refusal} />;
  switch (screen.name) {
    case 'overview':
      return <Overview view={view} picture={picture} />;
    case 'services':
      return <Services view={view} picture={picture} query={query} />;
    case 'service':
      return (
        <ServiceScreen
          key={screen.service}
          view={view}
          picture={picture}
          name={screen.service}
          query={query}
        />
      );
    case 'routes':
      return <Routes view={view} picture={picture} query={query} />;
    case 'connections':
      return <Connections about={picture.about} />;
    case 'groups':
      return <Groups about={picture.about} query={query} now={view.now} />;
    case 'keys':
      return <Keys about={picture.about} query={query} />;
    case 'sessions':
      return <Sessions about={picture.about} />;
    case 'dns':
      return (
        <Dns
          about={picture.about}
          query={query}
          services={[...picture.services.values()].map(({ name }) => name).sort(byName)}
        />
      );
    case 'access':
      return <Access about={picture.about} query={query} />;
    case 'cluster':
      return <Cluster view={view} picture={picture} query={query} />;
    case 'history':
      return <HistoryScreen picture={picture} query={query} now={view.now} />;
    case 'events':
      return <Events about={picture.about} query={query} now={view.now} />;
    case 'api':
      return <Api about={picture.about} query={query} />;
  }
}

function Waiting({ link, refusal }: { link: Link; refusal: string }) {
  const words =
    link !== 'lost'
      ? 'Connecting…'
      : refusal === ''
        ? `The agent at ${location.host} does not answer. Is it running? Trying again…`
        : `${refusal}. Trying again…`;
  return (
    <p class="waiting" role="status">
      {words}
    </p>
  );
}

const LINK_WORDS: Record<Link, string> = {
  live: 'live',
  connecting: 'connecting',
  lost: 'no connection',
  refused: 'no access',
};

function whereWords({ node, datacenter, version, carriage }: About): string {
  const traffic = carriage === '' ? '' : `, traffic by ${carriage}`;
  return `${node} in ${datacenter}, Muster ${version}${traffic}`;
}

function LinkState({ link, title }: { link: Link; title: string | undefined }) {
  return (
    <span class={`link ${link}`} role="status" title={title}>
      <span class="dot" aria-hidden="true" />
      {LINK_WORDS[link]}
    </span>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" class="logo">
      <path d="M5 12h4c4 0 3-7 8-7M9 12h8M9 12c4 0 3 7 8 7" />
      <circle cx="4.5" cy="12" r="3" />
      <circle cx="19" cy="5" r="2.6" />
      <circle cx="19" cy="12" r="2.6" />
      <circle cx="19" cy="19" r="2.6" />
    </svg>
  );
}

function ThemeIcon({ theme }: { theme: Theme }) {
  return (
    <svg
      viewBox="0 0 20 20"
      width="18"
      height="18"
      aria-hidden="true"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
    >
      {theme === 'auto' && (
        <>
          <circle cx="10" cy="10" r="6.5" />
          <path d="M10 3.5a6.5 6.5 0 0 1 0 13Z" fill="currentColor" />
        </>
      )}
      {theme === 'light' && (
        <>
          <circle cx="10" cy="10" r="3.4" />
          <path d="M10 2v1.6M10 16.4V18M2 10h1.6M16.4 10H18M4.3 4.3l1.2 1.2M14.5 14.5l1.2 1.2M4.3 15.7l1.2-1.2M14.5 5.5l1.2-1.2" />
        </>
      )}
      {theme === 'dark' && <path d="M16 11.8A6.6 6.6 0 0 1 8.2 4a6.6 6.6 0 1 0 7.8 7.8Z" />}
    </svg>
  );
}

function titleOf({ screen }: Place): string {
  switch (screen.name) {
    case 'overview':
      return 'Overview';
    case 'services':
      return 'Services';
    case 'service':
      return screen.service;
    case 'routes':
      return 'Routes';
    case 'connections':
      return 'Connections';
    case 'groups':
      return 'Groups';
    case 'keys':
      return 'Keys';
    case 'sessions':
      return 'Sessions';
    case 'dns':
      return 'DNS';
    case 'access':
      return 'Access';
    case 'cluster':
      return 'Cluster';
    case 'history':
      return 'History';
    case 'events':
      return 'Events';
    case 'api':
      return 'API';
    case 'lost':
      return 'Not found';
  }
}
