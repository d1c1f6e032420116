/** What the instance tells its edges, and what it hears of them. */
export { edgeRoutes } from './edges.routes.ts'
export { edgesOf, followEdges } from './following.ts'
