/** S3, as far as backups need it. */
export { openS3 } from './client.ts'
export type { S3Client } from './client.ts'
export { S3Error } from './errors.ts'
