/** What one watch says of one incident, and of another watch's that can't speak any more. It crosses the wire as it is. */
import { z } from 'zod'
import { ComponentStatus } from '../../contract/watch.ts'
import { CAUSES, OUTAGE_STATES, SIGNAL_KINDS } from '../../engines/detect/index.ts'
import { ID_SHAPE } from '../app/ids.ts'
import { IMPACTS } from '../incidents/index.ts'

export const STATEMENT_MAX_FEATURES = 1_000
export const STATEMENT_MAX_UPDATES = 50
const TEXT_MAX = 10_000
/** Beyond it nothing that is said of an outage is meant. */
export const DURATION_MAX_MS = 10 * 366 * 86_400_000
const WEIGHT_MAX = 1e6

/** Milliseconds since 1970, up to the year 9999: what a date can be made of. */
export const Millis = z.number().int().min(0).max(253_402_300_799_999)
export const WatchId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
export const Epoch = z.string().regex(ID_SHAPE)
/** It becomes a part of addresses and of names of files. */
const Id = z.string().regex(ID_SHAPE)
const Slug = z.string().min(1).max(64)
const Share = z.number().min(0).max(1)
const Duration = z.number().min(0).max(DURATION_MAX_MS)
const Interval = z.object({ medianMs: Duration, lowMs: Duration, highMs: Duration })

const RankedCause = z.object({
  cause: z.enum(CAUSES),
  probability: Share,
  evidenceFor: z.array(z.string().max(80)).max(30),
  evidenceAgainst: z.array(z.string().max(80)).max(30),
})

const Update = z.object({
  id: Id,
  state: z.enum(OUTAGE_STATES),
  body: z.string().max(TEXT_MAX),
  atMs: Millis,
  author: z.string().max(120),
  affected: z
    .array(
      z.object({
        code: z.string().max(64),
        name: z.string().max(80),
        oldStatus: ComponentStatus,
        newStatus: ComponentStatus,
      }),
    )
    .max(STATEMENT_MAX_FEATURES),
})

/** What a person said, and when: it counts before what any machine says. */
const HumanWord = <T extends z.ZodType>(value: T) => z.object({ value, atMs: Millis }).nullable()

export const IncidentStatement = z.object({
  /** The watch whose word it is. */
  origin: WatchId,
  /** Its store's: told apart from itself after it lost its data. */
  epoch: Epoch,
  incidentId: Id,
  serviceId: Slug,
  /** A hybrid clock: the origin's time of the change, pushed past the version before. */
  version: Millis,
  state: z.enum(OUTAGE_STATES),
  impact: z.enum(IMPACTS),
  title: z.string().max(500),
  featureIds: z.array(Slug).max(STATEMENT_MAX_FEATURES),
  /** Empty: all. */
  regions: z.array(Slug).max(300),
  startedAtMs: Millis,
  detectedAtMs: Millis,
  confirmedAtMs: Millis.nullable(),
  identifiedAtMs: Millis.nullable(),
  recoveringAtMs: Millis.nullable(),
  resolvedAtMs: Millis.nullable(),
  causes: z.array(RankedCause).max(CAUSES.length),
  confidence: Share,
  contributions: z.partialRecord(z.enum(SIGNAL_KINDS), z.number().min(-WEIGHT_MAX).max(WEIGHT_MAX)),
  relapses: z.number().int().min(0),
  recovered: z.object({ cells: z.number().int().min(0), of: z.number().int().min(0) }),
  forecast: Interval.nullable(),
  /** Below zero: the service said so before the onset was seen. */
  officialLagMs: z.number().min(-DURATION_MAX_MS).max(DURATION_MAX_MS).nullable(),
  /** Another incident of the same origin, which tells of this one, too. */
  mergedInto: Id.nullable(),
  /** Its watch saw none of it: an operator took it over from a peer to say something about it. */
  isAdopted: z.boolean(),
  human: z.object({
    cause: HumanWord(z.enum(CAUSES)),
    state: HumanWord(z.enum(OUTAGE_STATES)),
    title: HumanWord(z.string().max(500)),
  }),
  /** Newest first. */
  updates: z.array(Update).max(STATEMENT_MAX_UPDATES),
  explanation: z
    .object({ body: z.string().max(TEXT_MAX), at: Millis, author: z.string().max(120) })
    .nullable(),
})
export type IncidentStatement = z.infer<typeof IncidentStatement>

/** A watch's word that another one's incident is over, given while that one was silent. */
export const Closing = z.object({
  origin: WatchId,
  incidentId: Id,
  by: WatchId,
  /** The statement that it answers; a later one counts again. */
  ofVersion: Millis,
  atMs: Millis,
})
export type Closing = z.infer<typeof Closing>

/** The latest time that it names: one that comes from the future would stand before all that is true. */
export function latestTimeOf(said: IncidentStatement): number {
  const { cause, state, title } = said.human
  return Math.max(
    said.version,
    said.startedAtMs,
    said.detectedAtMs,
    ...[said.confirmedAtMs, said.identifiedAtMs, said.recoveringAtMs, said.resolvedAtMs].map((at) => at ?? 0),
    ...[cause, state, title].map((word) => word?.atMs ?? 0),
    ...said.updates.map(({ atMs }) => atMs),
    said.explanation?.at ?? 0,
  )
}

export const statementKey = ({
  origin,
  incidentId,
}: Pick<IncidentStatement, 'origin' | 'incidentId'>): string => `${origin} ${incidentId}`
export const closingKey = ({ origin, incidentId, by }: Closing): string => `${origin} ${incidentId} ${by}`

/** One text for one statement: equal statements have equal texts, whoever wrote them. */
export const textOf = (statement: IncidentStatement): string =>
  JSON.stringify(IncidentStatement.parse(statement))
