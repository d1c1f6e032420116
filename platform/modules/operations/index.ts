/** Operations: operators' orders, what an instance tells of itself, and the doctor of the machine that it runs on. */
export { bodyProbeRoutes } from './doctor/body-probe.routes.ts'
export { diagnose } from './doctor/doctor.ts'
export type { Finding } from './doctor/doctor.ts'
export { registerMetrics } from './metrics.routes.ts'
export { startOperationsJobs } from './operations.jobs.ts'
export { ordersRoutes } from './orders.routes.ts'
