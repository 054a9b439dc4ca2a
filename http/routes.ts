/**
 * The whole surface as one table. A new route is one entry in the file of its area; validation, authorization, rate
 * limits, /api/openapi.json and /api/docs come out of the entry.
 */
import type { Route } from './route.ts';
import { accountRoutes } from './routes/accounts.ts';
import { catalogueRoutes } from './routes/catalogue.ts';
import { operations } from './routes/operations.ts';

export const routes: readonly Route[] = [...accountRoutes, ...catalogueRoutes, ...operations];
