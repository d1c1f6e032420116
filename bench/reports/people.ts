/** Who reports: each from an address of their own, with what browsers and phones say of themselves. */

/** First octets within which nothing is reserved (IANA's registry of special-purpose addresses). */
const OCTETS = Array.from({ length: 223 }, (_, n) => n + 1).filter(
  (octet) => ![10, 100, 127, 169, 172, 192, 198, 203].includes(octet),
)
const FEATURES = ['feed', 'video', 'upload', 'sign-in', 'comments', 'search']
const DEVICES = ['phone', 'phone', 'tablet', 'desktop', 'other']
const AGENTS = Array.from(
  { length: 24 },
  (_, n) => `Mozilla/5.0 (Linux; Android ${10 + (n % 6)}) AppleWebKit/537.36 Chrome/${130 + n}.0.0.0 Mobile`,
)

/** Person n's address: public, and no two people of two billion share one. */
export function addressOf(n: number): string {
  const first = OCTETS[n % OCTETS.length]!
  // An odd factor: the same 24 bits come again after all others only.
  const rest = Math.imul(Math.floor(n / OCTETS.length) + 1, 0x9e3779b1) & 0xffffff
  return `${first}.${rest >>> 16}.${(rest >>> 8) & 255}.${rest & 255}`
}

/** The report of person n as a whole request, through a proxy that says whose it is. */
export function requestOf(n: number, path: string): string {
  const body = `{"feature":"${FEATURES[n % FEATURES.length]}","device":"${DEVICES[n % DEVICES.length]}","clientVersion":"1.${n % 9}.0","diagnosis":"person ${n}"}`
  return (
    `POST ${path} HTTP/1.1\r\nhost: watch.example\r\nuser-agent: ${AGENTS[n % AGENTS.length]}\r\n` +
    `x-forwarded-for: ${addressOf(n)}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  )
}

/** What the service's file has. */
export const describeService = () => ({
  id: 'surge',
  name: 'A service in a surge',
  url: 'https://surge.example',
  features: FEATURES.map((id) => ({ id, name: id })),
  // A day: whoever reports twice within the benchmark counts once.
  reports: { windowMinutes: 1_440 },
  regions: [
    { id: 'americas', name: 'Americas', countries: ['US', 'CA', 'BR', 'MX', 'AR'] },
    { id: 'europe', name: 'Europe', countries: ['DE', 'FR', 'GB', 'IT', 'ES', 'NL'] },
    { id: 'asia', name: 'Asia', countries: ['JP', 'CN', 'IN', 'KR', 'ID'] },
  ],
})

export const REPORTS_PATH = '/api/v1/services/surge/reports'
