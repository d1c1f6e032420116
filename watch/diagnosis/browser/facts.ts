/** What a browser and the watch found out, as the verdict takes it. Null is "not tested" or "unknown", never "fine". */

/** `opaque`: something answered, but not what a beacon says; `wrong-nonce`: it answered with another number than ours. */
export type BeaconOutcome = 'ok' | 'failed' | 'wrong-nonce' | 'opaque'

export interface BeaconFact {
  readonly name: string
  /** A name with addresses of one family only; null: of both. */
  readonly family: 'v4' | 'v6' | null
  readonly outcome: BeaconOutcome
  /** Tries that failed, of those made: 0 to 1. */
  readonly lossFraction: number
  /** Median of the tries that were answered. */
  readonly rttMs: number | null
}

export interface TargetFact {
  readonly tries: number
  readonly answered: number
  readonly medianMs: number | null
}

/** What the app handed over when it opened the check; null: the check was opened by itself. */
export interface AppFact {
  readonly build: string | null
  readonly newestBuild: string | null
  /** The page came from the app's service worker. */
  readonly isFromWorker: boolean | null
  /** How old what the app shows is. */
  readonly dataAgeS: number | null
  readonly isSignedIn: boolean | null
}

export interface EvidenceFact {
  /** The watch's own checks have no connection or are too old. */
  readonly isBlind: boolean
  /** The person's region and network: `failing` and `rising` are confirmed and suspected. */
  readonly here: 'fine' | 'rising' | 'failing' | 'unknown'
  /** Everywhere else. */
  readonly elsewhere: 'fine' | 'some' | 'many' | 'unknown'
  /** Closed by a decision where the person is. */
  readonly isClosedHere: boolean
  /** Something fails, and what people come for works as far as is seen. @default false */
  readonly isPartial?: boolean
  readonly failingFeatures: readonly string[]
  readonly incident: {
    readonly title: string
    readonly url: string
    readonly cause: string
    readonly expected: string | null
  } | null
  readonly regionName: string | null
  /** The service has one region: here and elsewhere are the same. */
  readonly isOneRegion: boolean
  /** How the same check went for others in the last minutes. */
  readonly peers: { readonly passed: number; readonly total: number } | null
}

export interface Facts {
  /** `false` is reliable; `true` means nothing. */
  readonly isOnline: boolean
  /** The watch's own address, asked past every cache. */
  readonly isWatchReachable: boolean
  readonly watchRttMs: number | null
  readonly beacons: readonly BeaconFact[]
  /** Null: the service has no address that a browser can try. */
  readonly target: TargetFact | null
  /** What this browser's own round trips usually take. */
  readonly usualRttMs: number | null
  /** This device's clock minus ours; and how far off that may be. */
  readonly clockSkewMs: number | null
  readonly clockErrorMs: number | null
  readonly app: AppFact | null
  /** Null: the watch could not be asked. */
  readonly evidence: EvidenceFact | null
}
