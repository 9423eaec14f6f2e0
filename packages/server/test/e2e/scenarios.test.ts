/** The scenarios on the embedded store. */

import { scenarios } from './scenarios.ts';

scenarios(async () => ({}));
