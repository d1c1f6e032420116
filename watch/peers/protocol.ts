/** What two watches say to each other: one signed message each way, of the same shape. */
import { z } from 'zod'
import { ComponentStatus, StatusIndicator } from '../../contract/watch.ts'
import { Closing, Epoch, IncidentStatement, Millis, WatchId } from './statement.ts'

export const EXCHANGE_PATH = '/api/v1/peers/exchange'
/** Stands where a request has its method: an answer can't be taken for a request. */
export const ANSWER_METHOD = 'ANSWER'

export const MESSAGE_MAX_BYTES = 256 * 1024
/** Room for statements in a message; the rest follows in the next. */
export const STATEMENTS_MAX_BYTES = 160 * 1024
export const STATEMENTS_MAX = 50
export const CLOSINGS_MAX = 200
export const VIEW_MAX_SERVICES = 100
/** Features of one service in a view: those that don't work come first. */
export const VIEW_MAX_FEATURES = 100
export const VIEW_MAX_BYTES = 32 * 1024

/** How a service is, as one watch sees it. */
export const ServiceWord = z.object({
  serviceId: z.string().min(1).max(64),
  /** When evidence last came in; null: none yet. */
  asOfMs: Millis.nullable(),
  isBlind: z.boolean(),
  indicator: StatusIndicator,
  description: z.string().max(80),
  features: z
    .array(
      z.object({
        id: z.string().min(1).max(64),
        status: ComponentStatus,
        state: z.enum(['up', 'suspected', 'down', 'recovering', 'maintenance', 'closed', 'unknown']),
      }),
    )
    .max(VIEW_MAX_FEATURES),
})
export type ServiceWord = z.infer<typeof ServiceWord>

const Position = z.object({ epoch: Epoch, seq: z.number().int().min(0) })
export type Position = z.infer<typeof Position>

export const PeerMessage = z.object({
  watch: z.object({
    id: WatchId,
    epoch: Epoch,
    /** Where people read it; null: it doesn't know. */
    url: z
      .url({ protocol: /^https?$/ })
      .max(500)
      .nullable(),
  }),
  /** How far the sender has taken the receiver's log over; null: it never heard of it. */
  have: Position.nullable(),
  /** A piece of the sender's log: all that changed after `fromSeq`, up to `toSeq`. */
  log: z.object({
    fromSeq: z.number().int().min(0),
    toSeq: z.number().int().min(0),
    isMore: z.boolean(),
    statements: z.array(IncidentStatement).max(STATEMENTS_MAX),
    closings: z.array(Closing).max(CLOSINGS_MAX),
  }),
  view: z.array(ServiceWord).max(VIEW_MAX_SERVICES),
})
export type PeerMessage = z.infer<typeof PeerMessage>
