/** What a client has to know of this instance: its name and build, what works at this moment, and the table of error codes. */
export { instanceRoutes } from './instance.routes.ts'
export { stateRoutes } from './state.routes.ts'
