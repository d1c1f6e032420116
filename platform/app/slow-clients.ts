/**
 * Clients that are slow, by their network or on purpose ("slow loris"): headers have a deadline, bodies and the reading of
 * answers a least pace, so that nobody holds a connection for nothing. Uploads, which may stall for a while, have a rule of their own.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { toProblemBody } from '../../kit/http/problem-details.ts'
import { AppError } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads its body by itself and gives up on a stalled one by itself. */
    hasOwnStallRule?: boolean
  }
}

export interface Patience {
  /** From the beginning of a connection, or of a further request on it, to the end of the headers. */
  readonly headersMs: number
  /** How often headers are looked after, and bodies once their grace is over. */
  readonly checkMs: number
  /** A body has no pace to keep for so long… */
  readonly bodyGraceMs: number
  /** …and then this one; 64 KiB, the most that JSON may have, are done in seven seconds. */
  readonly bodyBytesPerS: number
  /** What is written of an answer and not read is kept in memory for so long, and for as long as it takes… */
  readonly answerGraceMs: number
  /** …at this pace. */
  readonly answerBytesPerS: number
}

/** Whoever is as slow as can be with headers and body together is cut off within ten seconds. */
export const PATIENCE: Patience = {
  headersMs: 5_000,
  checkMs: 1_000,
  bodyGraceMs: 3_000,
  bodyBytesPerS: 16 * 1024,
  answerGraceMs: 30_000,
  answerBytesPerS: 4 * 1024,
}

/** The longest that a timer can be set to. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** For drills: whoever is slow may be as slow as they like. */
export const NO_PATIENCE_LIMIT: Patience = {
  ...PATIENCE,
  headersMs: 0,
  bodyGraceMs: TIMER_MAX_MS,
  answerGraceMs: TIMER_MAX_MS,
}

/** How long what a client still sends is read and dropped after an answer that came early. */
const LINGER_MS = 2_000

/** Makes an `onRequest` hook that gives up on bodies that come too slowly. Costs a timer a body. */
export function watchBodies(patience: Patience) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { raw } = request
    if (raw.headers['content-length'] === undefined && raw.headers['transfer-encoding'] === undefined) return
    // A request that a test made up comes from nowhere.
    if (!(raw.socket instanceof Socket)) return
    if (request.routeOptions.config?.hasOwnStallRule) reply.raw.once('finish', () => lingerThenClose(raw))
    else watchBody(request, reply, patience)
  }
}

/** Makes an `onRequest` hook that gives up on clients that do not read their answer. Costs a timer where one is not read at once. */
export function watchAnswers({ answerGraceMs, answerBytesPerS }: Patience) {
  function watchReading(this: ServerResponse): void {
    const unreadBytes = this.writableLength
    if (unreadBytes === 0) return
    const ms = Math.min(TIMER_MAX_MS, answerGraceMs + (unreadBytes / answerBytesPerS) * 1_000)
    const timer = setTimeout(() => this.destroy(), ms).unref()
    this.once('close', () => clearTimeout(timer))
  }
  return (_request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    reply.raw.on('prefinish', watchReading)
    done()
  }
}

/**
 * A connection that is closed with bytes unread is reset, and the client may never see the answer. So they are read and
 * dropped for a moment; a client that is not done then is cut off.
 */
export function lingerThenClose(request: IncomingMessage): void {
  if (request.complete) return
  request.on('error', () => {}).resume()
  const timer = setTimeout(() => request.destroy(), LINGER_MS).unref()
  request.once('close', () => clearTimeout(timer))
}

function watchBody(request: FastifyRequest, reply: FastifyReply, patience: Patience): void {
  const { raw } = request
  const { socket } = raw
  const bytesBefore = socket.bytesRead
  const graceEndsAtMs = performance.now() + patience.bodyGraceMs
  const check = () => {
    if (raw.complete) return
    const dueBytes = ((performance.now() - graceEndsAtMs) / 1000) * patience.bodyBytesPerS
    // What lies here unread is late by our own doing.
    const isInTime = raw.readableLength > 0 || socket.bytesRead - bytesBefore >= dueBytes
    if (!isInTime) return giveUp(request, reply)
    timer = setTimeout(check, patience.checkMs)
  }
  let timer = setTimeout(check, patience.bodyGraceMs)
  raw.once('close', () => clearTimeout(timer))
}

/** Who reads the body hears it as the stream's error and answers with it; when nobody does, the connection is cut. */
function giveUp({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (reply.sent || raw.listenerCount('error') === 0) return void raw.destroy()
  reply.header('connection', 'close')
  raw.emit('error', new AppError('request-too-slow'))
}

/** Answers what was never a request: headers that did not come to their end, are too long, or are not HTTP. */
export function refuseBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  // A browser's connection in reserve: an answer there would be taken for that to its next request.
  if (socket.bytesRead === 0 || !socket.writable) return void socket.destroy()
  const problem = toProblemBody(new AppError(codeOf(error.code)))
  const body = JSON.stringify(problem)
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'content-type: application/problem+json',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  )
}

function codeOf(code: string | undefined) {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'request-too-slow'
  return code === 'HPE_HEADER_OVERFLOW' ? 'headers-too-large' : 'malformed-request'
}
