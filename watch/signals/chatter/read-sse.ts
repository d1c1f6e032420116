/** Server-sent events (HTML Living Standard, 9.2) out of a body, with bounds. */

const EVENT_MAX_LENGTH = 1_000_000

/** Reads events until the body ends; `onSilence` is called when nothing, not even a comment, came for so long. */
export async function* readSse(
  body: AsyncIterable<Uint8Array>,
  { silenceMs, onSilence }: { readonly silenceMs: number; readonly onSilence: () => void },
): AsyncGenerator<{ readonly event: string; readonly data: string }> {
  const decoder = new TextDecoder()
  let rest = ''
  let timer = setTimeout(onSilence, silenceMs)
  try {
    for await (const chunk of body) {
      clearTimeout(timer)
      timer = setTimeout(onSilence, silenceMs)
      rest = (rest + decoder.decode(chunk, { stream: true })).replaceAll('\r\n', '\n')
      const blocks = rest.split('\n\n')
      rest = blocks.pop()!
      if (rest.length > EVENT_MAX_LENGTH) throw new Error('An event is longer than any status.')
      for (const block of blocks) {
        const lines = block.split('\n')
        const field = (name: string) =>
          lines
            .filter((line) => line.startsWith(`${name}:`))
            .map((line) => line.slice(name.length + 1).trimStart())
        yield { event: field('event').at(-1) ?? 'message', data: field('data').join('\n') }
      }
    }
  } finally {
    clearTimeout(timer)
  }
}
