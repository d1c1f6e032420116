/** Short ways to write findings down. */
import type { Finding } from '../doctor.ts'

export const fine = (about: string, what: string): Finding => ({ about, state: 'fine', what, remedy: null })
export const problem = (about: string, what: string, remedy: string): Finding => ({
  ...{ about, state: 'problem', what, remedy },
})
export const advice = (about: string, what: string, remedy: string): Finding => ({
  ...{ about, state: 'advice', what, remedy },
})
export const unknown = (about: string, what: string, remedy: string | null = null): Finding => ({
  ...{ about, state: 'unknown', what, remedy },
})

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']

/** A size to be read. */
export function inWords(bytes: number): string {
  const power = bytes > 0 ? Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10)) : 0
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`
}
