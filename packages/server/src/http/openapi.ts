/** The OpenAPI document without a server, for the command line and for checks. */

import { documentOf, type OpenApiDocument } from './document.ts';
import { createRouter } from './router.ts';

export const openApiDocument = (version: string): OpenApiDocument => documentOf(createRouter(), version);
