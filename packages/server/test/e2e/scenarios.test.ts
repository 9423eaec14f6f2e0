/** The scenarios on SQLite. */

import { startProduct } from '../helpers/product.ts';
import { scenarios } from './suites/scenarios.ts';

scenarios(() => startProduct());
