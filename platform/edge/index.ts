/** The edge: an agent that drives nginx before an instance. It has no database and outlives its origin. */
export { runEdge } from './edge.ts'
