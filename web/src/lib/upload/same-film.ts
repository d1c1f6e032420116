/** Tells whether a chosen file is the film that an unfinished upload was begun with. */
import type { Receipt } from '#lib/api/types.ts'
import { readFingerprint } from './create-upload.ts'
import { readRemembered } from './remembered.ts'

/** Whether a file that looks like that of an unfinished upload is another one after all. @throws {ApiError} */
export async function isOtherFile(fingerprint: string | null, receipt: Receipt): Promise<boolean> {
  // Without a byte on the server there is nothing to spoil.
  if (fingerprint === null || receipt.receivedBytes === 0) return false
  const known = knownOf(receipt)
  // Asking the server stops whoever sends it now, as continuing on another device is meant to: not for a tab of this browser.
  const begun = known ? known.fingerprint : await readFingerprint(urlOf(receipt))
  return begun !== null && begun !== fingerprint
}

/** What this device remembers of an upload. */
export const knownOf = (receipt: Receipt) => readRemembered().find((upload) => upload.uploadId === receipt.id)

/** Where an upload's bytes go. */
export function urlOf(receipt: Receipt): string {
  return knownOf(receipt)?.url ?? `/api/v1/uploads/${encodeURIComponent(receipt.id)}`
}
