/** The description of the watch's API for programs. */
export { registerDescription } from './describe-api.ts'
