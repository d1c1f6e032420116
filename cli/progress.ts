/** Progress on standard error: one line that changes at a terminal, a line every few seconds elsewhere. */

const INTERVAL_MS = 200
const PLAIN_INTERVAL_MS = 5_000

/** Shows the text, no more often than can be read. */
export function createProgress(): { show(text: string): void; end(): void } {
  const { isTTY } = process.stderr
  let shownMs = isTTY ? -Infinity : performance.now()
  return {
    show(text) {
      const nowMs = performance.now()
      if (nowMs - shownMs < (isTTY ? INTERVAL_MS : PLAIN_INTERVAL_MS)) return
      shownMs = nowMs
      process.stderr.write(isTTY ? `\r\u001B[K  ${text}` : `  … ${text}\n`)
    },
    end() {
      if (isTTY) process.stderr.write('\r\u001B[K')
    },
  }
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** A size to be read. */
export function sizeInWords(bytes: number): string {
  const power = bytes > 0 ? Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}

export const secondsInWords = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
