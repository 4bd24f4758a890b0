import type { OpenRegistry } from './kind.ts';

/** Routes from the settings themselves. */
export const openStatic: OpenRegistry = ({ values }) => ({
  start({ setCommands, setNoRoutePage }) {
    setNoRoutePage(values['registry.static.noroutehtml']);
    setCommands([{ name: 'registry.static.routes', text: values['registry.static.routes'] }]);
  },
  stop() {},
});
