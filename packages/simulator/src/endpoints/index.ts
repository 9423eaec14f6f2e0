/** Every endpoint by path. Adding one is adding its declaration to a list. */
import { businessEndpoints } from './business.ts';
import type { Endpoint } from './endpoint.ts';
import { mediaEndpoints } from './media.ts';
import { networkEndpoints } from './network.ts';
import { quotaEndpoints } from './quota.ts';
import { ridEndpoints } from './rid.ts';
import { sessionEndpoints } from './session.ts';
import { ticketEndpoints } from './ticket.ts';
import { tokenEndpoints } from './token.ts';

const all = [
  ...tokenEndpoints,
  ...ticketEndpoints,
  ...quotaEndpoints,
  ...ridEndpoints,
  ...networkEndpoints,
  ...businessEndpoints,
  ...mediaEndpoints,
  ...sessionEndpoints,
];

export const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map(all.map((endpoint) => [endpoint.path, endpoint]));
