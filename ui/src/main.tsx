import { render } from 'preact';
import { App } from './app.tsx';
import { live } from './live.ts';
import './style/tokens.css';
import './style/base.css';
import './style/parts.css';
import './style/screens.css';
import './style/calls.css';

live.open('/v1/muster/stream');
render(<App />, document.getElementById('app') as HTMLElement);
