/** What a client has to know of this instance: its name, build and level, and the table of error codes. */
export { instanceRoutes } from './instance.routes.ts'
