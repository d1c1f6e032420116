/** What the instance tells its edges. */
export { edgeRoutes } from './edges.routes.ts'
