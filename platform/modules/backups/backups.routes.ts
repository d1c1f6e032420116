/** HTTP of backups: what the operator's page says of them. */
import { z } from 'zod'
import { BackupRecords, readBackupRecords } from '../../app/backup-records.ts'
import { requireOperator, type Routes } from '../../app/http.ts'

const Backups = BackupRecords.extend({
  /** Whether one is made each night. */
  isNightly: z.boolean(),
  place: z.string(),
  keepDays: z.int(),
})

/** For the operator alone. */
export const backupRoutes: Routes = (app, ctx) => {
  app.get('/operations/backups', { schema: { response: { 200: Backups } } }, async (request, reply) => {
    requireOperator(request)
    reply.header('cache-control', 'no-store')
    const { isNightly, place, keepDays } = ctx.config.backups
    return { ...(await readBackupRecords(ctx.config.dataDir)), isNightly, place, keepDays }
  })
}
