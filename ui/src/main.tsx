import { render } from 'preact';
import { App } from './app.tsx';
import { live } from './live.ts';
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/tables.css';
import './style/overview.css';
import './style/services.css';
import './style/routes.css';
import './style/groups.css';
import './style/cluster.css';
import './style/access.css';
import './style/latency.css';
import './style/calls.css';

live.open('/v1/muster/stream');
render(<App />, document.getElementById('app') as HTMLElement);
