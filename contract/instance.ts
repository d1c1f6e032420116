/** What a client has to know of the instance it talks to. */
import { z } from 'zod'

export const Instance = z.object({
  name: z.string(),
  version: z.string(),
  /** The build of the web app that the server ships; a client with another one refreshes when it can. */
  webBuild: z.string(),
  /** Clients of a lower generation (contract/client.ts) are told to refresh. */
  oldestClient: z.int(),
  isSecureContext: z.boolean(),
  /** Whom people can turn to; null: nobody operates it yet, or it is not known at this moment. */
  operatorHandle: z.string().nullable(),
  /** Whether anyone may make an account; if not, only the operator's one-time link does. */
  isSignUpOpen: z.boolean(),
  /** Where everyone who uses the instance can get its source (AGPL-3.0, section 13); null: the operator named no place. */
  sourceUrl: z.string().nullable(),
  /** The watch's `status.json` (contract/watch.ts) of this instance, for the banner; null: it has no watch. */
  watchStatusUrl: z.url().nullable(),
  /** Other places that have the same media under the same paths, in the order in which to go to them. */
  mediaUrls: z.array(z.url()),
  /** Other addresses of the whole instance; from a page of one of them, what is open to all may be read by another. */
  otherUrls: z.array(z.url()).optional(),
})
export type Instance = z.infer<typeof Instance>
