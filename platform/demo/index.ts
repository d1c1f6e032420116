/** The demo: an instance that isn't empty, made through the front door. */
export { seedDemo } from './seed.ts'
export type { DemoOptions } from './seed.ts'
