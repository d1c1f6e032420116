/** The simulator: seeded worlds of watched services, the samples that a watch of them receives, and the truth. */
export { createFault } from './faults.ts'
export { simulate, type Bin } from './emit.ts'
export { createMonth } from './month.ts'
export { createStorms } from './storms.ts'
export { createRetold } from './retold.ts'
export { RETOLD, type Retold } from './retold-incidents.ts'
export { createSeededRandom, type Random } from './random.ts'
export { createService } from './services.ts'
export {
  strengthAt,
  truthOf,
  type SimulatedNoise,
  type SimulatedOutage,
  type SimulatedService,
  type SimulatedWord,
  type World,
} from './world.ts'
