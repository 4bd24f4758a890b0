import type { Endpoint } from '../endpoint.ts';
import { eventFire } from './fire.ts';
import { eventList } from './list.ts';

export const eventEndpoints: readonly Endpoint[] = [eventFire, eventList];
