/**
 * A server that answers when the Internet does, and the question that tells. A connection alone tells little: captive
 * portals and transparent proxies accept every one, whatever lies behind them.
 */
import { randomInt } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** What a reference is asked: a question of DNS, for a certificate that is good, or only for a connection. */
export type ReferenceQuestion = 'dns' | 'tls' | 'tcp'

export interface AskOptions {
  /** @default by the port: `questionFor` */
  readonly question?: ReferenceQuestion
  /** For the whole of it: name, connection and answer. @default 2000 */
  readonly timeoutMs?: number
  /** Certificates to trust, as PEM. @default those of this machine */
  readonly ca?: string
}

/** What tells most of a server behind this port. */
export function questionFor(port: number): ReferenceQuestion {
  if (port === 53) return 'dns'
  return port === 443 ? 'tls' : 'tcp'
}

/**
 * Asks one reference (`host:port`, an IPv6 address in brackets) whether it is there.
 *
 * @throws when it is not, or says nothing in time.
 */
export function askReference(reference: string, options: AskOptions = {}): Promise<void> {
  const { host, port } = parseReference(reference)
  const { question = questionFor(port), timeoutMs = 2_000, ca } = options
  return new Promise((resolve, reject) => {
    const socket =
      question === 'tls' ? connectTls({ host, port, ca, ...nameOf(host) }) : connect({ host, port })
    const end = (error?: Error) => {
      clearTimeout(timer)
      socket.destroy()
      if (error) reject(error)
      else resolve()
    }
    // A limit for the whole: the socket's own begins again with every byte.
    const timer = setTimeout(
      () => end(new Error(`No answer within ${timeoutMs} ms from ${reference}.`)),
      timeoutMs,
    )
    socket.once('error', end)
    socket.once('close', () => end(new Error(`${reference} hung up.`)))
    if (question === 'dns') askDns(socket, end)
    else socket.once(question === 'tls' ? 'secureConnect' : 'connect', () => end())
  })
}

function parseReference(reference: string): { host: string; port: number } {
  const colon = reference.lastIndexOf(':')
  return {
    host: reference.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
    port: Number(reference.slice(colon + 1)),
  }
}

/** An address is no name (RFC 6066, 3); its certificate is checked all the same. */
const nameOf = (host: string) => (/[a-z]/i.test(host) && !host.includes(':') ? { servername: host } : {})

/** The root's name servers: the name (empty), type NS, class IN. Every resolver knows them, or asks for them. */
const ROOT_NS = Buffer.from([0, 0, 2, 0, 1])
const HEADER_BYTES = 12

function askDns(socket: Socket, end: (error?: Error) => void): void {
  const id = randomInt(0x1_0000)
  let heard = Buffer.alloc(0)
  socket.once('connect', () => socket.write(toQuestion(id)))
  socket.on('data', (part) => {
    heard = Buffer.concat([heard, part])
    // "The message is prefixed with a two byte length field which gives the message length" (RFC 1035, 4.2.2).
    if (heard.length < 2 || heard.length < 2 + heard.readUInt16BE(0)) return
    const message = heard.subarray(2, 2 + heard.readUInt16BE(0))
    end(isAnswer(message, id) ? undefined : new Error('What came is no answer to the question.'))
  })
}

function toQuestion(id: number): Buffer {
  const question = Buffer.alloc(2 + HEADER_BYTES)
  question.writeUInt16BE(HEADER_BYTES + ROOT_NS.length, 0)
  question.writeUInt16BE(id, 2)
  question.writeUInt16BE(0x0100, 4) // recursion desired
  question.writeUInt16BE(1, 6) // one question
  return Buffer.concat([question, ROOT_NS])
}

/**
 * Whether this is an answer to our question, without an error, beginning with a name server of the root (RFC 1035, 4.1).
 * A resolver that has lost its own connection answers too: SERVFAIL.
 */
function isAnswer(message: Buffer, id: number): boolean {
  const recordAt = HEADER_BYTES + ROOT_NS.length
  // Name of one byte, type, class, time to live, length of the data.
  if (message.length < recordAt + 11) return false
  const flags = message.readUInt16BE(2)
  return (
    message.readUInt16BE(0) === id &&
    (flags & 0x8000) !== 0 &&
    (flags & 0x000f) === 0 &&
    message.readUInt16BE(4) === 1 &&
    message.readUInt16BE(6) > 0 &&
    message.subarray(HEADER_BYTES, recordAt).equals(ROOT_NS) &&
    isNameServerOfRoot(message, recordAt)
  )
}

/** Its owner is the root, spelled out or as a pointer to the question's (RFC 1035, 4.1.4). */
function isNameServerOfRoot(message: Buffer, recordAt: number): boolean {
  const isPointer = message.readUInt16BE(recordAt) === (0xc000 | HEADER_BYTES)
  if (!isPointer && message.readUInt8(recordAt) !== 0) return false
  return message.readUInt16BE(recordAt + (isPointer ? 2 : 1)) === 2
}
