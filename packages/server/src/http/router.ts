/** Every route of ours, mounted on one Hono app. The routes take their parts from each request's environment. */

import { OpenAPIHono } from '@hono/zod-openapi';
import { describeDropin } from './dropin-document.ts';
import type { Env } from './environment.ts';
import { mountAccounts } from './routes/accounts.ts';
import { mountCredentials } from './routes/credentials.ts';
import { mountEvents } from './routes/events.ts';
import { mountKeys } from './routes/keys.ts';
import { mountLeak } from './routes/leak.ts';
import { mountStatus } from './routes/status.ts';
import { mountSystem } from './routes/system.ts';
import { mountTick } from './routes/tick.ts';
import { refuseInvalid } from './validation.ts';

export function createRouter(): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({ defaultHook: refuseInvalid });
  mountCredentials(app);
  mountLeak(app);
  mountAccounts(app);
  mountKeys(app);
  mountEvents(app);
  mountStatus(app);
  mountTick(app);
  mountSystem(app);
  app.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, zk_…, in the Authorization header and nowhere else',
  });
  describeDropin(app.openAPIRegistry);
  return app;
}
