/** Uploads: bytes in, resumable and never lost once acknowledged, with a receipt that tells the truth. */
import './uploads.schema.ts'
export { loadReceipt } from './receipts.ts'
export { startUploadJobs } from './uploads.jobs.ts'
export { uploadRoutes } from './uploads.routes.ts'
