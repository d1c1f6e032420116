/** Texts out of a WebSocket (RFC 6455), with bounds: nothing is said but what the protocol asks for. */
import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'

const MESSAGE_MAX_BYTES = 1_000_000
const FRAMES_PER_MESSAGE_MAX = 1_000
const CONTROL_MAX_BYTES = 125

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

interface Frame {
  readonly isFinal: boolean
  readonly opcode: number
  readonly payload: Buffer
  /** With its header. */
  readonly sizeBytes: number
}

/**
 * Reads texts until the other side closes; binary messages are passed over. `onSilence` is called when nothing, not even
 * a ping, came for so long.
 *
 * @throws when the other side breaks the protocol or a message is too long
 */
export async function* readWebSocket(
  socket: Duplex,
  { silenceMs, onSilence }: { readonly silenceMs: number; readonly onSilence: () => void },
): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0)
  let parts: Buffer[] = []
  let sizeBytes = 0
  let isText = false
  let timer = setTimeout(onSilence, silenceMs)
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      clearTimeout(timer)
      timer = setTimeout(onSilence, silenceMs)
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      for (let frame = readFrame(rest); frame; frame = readFrame(rest)) {
        rest = rest.subarray(frame.sizeBytes)
        const { opcode, payload, isFinal } = frame
        if (opcode === OPCODE.close)
          return void socket.end(controlFrame(OPCODE.close, payload.subarray(0, 2)))
        if (opcode === OPCODE.ping) socket.write(controlFrame(OPCODE.pong, payload))
        if (opcode >= OPCODE.close) continue
        if ((opcode === OPCODE.continuation) === (parts.length === 0))
          throw new Error('Its messages are not in order.')
        if (opcode !== OPCODE.continuation) isText = opcode === OPCODE.text
        parts.push(payload)
        sizeBytes += payload.length
        if (sizeBytes > MESSAGE_MAX_BYTES || parts.length > FRAMES_PER_MESSAGE_MAX) throw tooLong()
        if (!isFinal) continue
        const message = parts
        parts = []
        sizeBytes = 0
        if (isText) yield Buffer.concat(message).toString('utf8')
      }
    }
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

const tooLong = () => new Error('A message is longer than any post.')

/** The first frame (RFC 6455, 5.2); null: it is not all there yet. */
function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null
  const [first, second] = [bytes[0]!, bytes[1]!]
  const opcode = first & 0x0f
  const isFinal = (first & 0x80) !== 0
  // No extension was agreed on, and a server masks nothing (5.1).
  if ((first & 0x70) !== 0 || (second & 0x80) !== 0) throw new Error('It breaks the WebSocket protocol.')
  const short = second & 0x7f
  if (opcode >= OPCODE.close && (short > CONTROL_MAX_BYTES || !isFinal))
    throw new Error('It breaks the WebSocket protocol.')
  const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2
  if (bytes.length < headBytes) return null
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short
  if (length > MESSAGE_MAX_BYTES) throw tooLong()
  const sizeBytes = headBytes + length
  if (bytes.length < sizeBytes) return null
  return { isFinal, opcode, payload: bytes.subarray(headBytes, sizeBytes), sizeBytes }
}

/** What a client says is masked (RFC 6455, 5.3). */
function controlFrame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4)
  const masked = Buffer.from(payload.map((byte, at) => byte ^ mask[at % 4]!))
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked])
}
