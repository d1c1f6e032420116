/** Tells live listeners that the receipt of a video's upload says something new. */
import { publishLive } from '../../app/live.ts'
import type { Db, Tx } from '../../infra/db/index.ts'

/** Sent when the transaction commits; listeners load the receipt by its id. */
export async function announceReceipt(
  db: Db | Tx,
  video: { readonly account_id: string; readonly upload_id: string | null },
): Promise<void> {
  if (video.upload_id === null) return
  await publishLive(db, {
    topic: `account:${video.account_id}`,
    update: { kind: 'receipt', uploadId: video.upload_id },
  })
}
