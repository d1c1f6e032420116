/** Tells live listeners that the receipt of a video's upload says something new. */
import { notify, type Db, type Tx } from '../../infra/db/index.ts'

/** The NOTIFY channel of modules/updates: `{ topic, update }`. */
const LIVE_CHANNEL = 'live'

/** Sent when the transaction commits; listeners load the receipt by its id. */
export async function announceReceipt(
  db: Db | Tx,
  video: { readonly account_id: string; readonly upload_id: string | null },
): Promise<void> {
  if (video.upload_id === null) return
  await notify(db, LIVE_CHANNEL, {
    topic: `account:${video.account_id}`,
    update: { kind: 'receipt', uploadId: video.upload_id },
  })
}
