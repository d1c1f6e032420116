import { expect, test } from 'vitest'
import { ServiceEntry } from '../../configuration/index.ts'
import { createPullReader } from './pull-traffic.ts'

const entry = ServiceEntry.parse({
  id: 'shop',
  name: 'Shop',
  url: 'https://shop.example',
  regions: [
    { id: 'eu', name: 'Europe' },
    { id: 'us', name: 'America' },
  ],
  features: [{ id: 'cart', name: 'Cart' }],
  traffic: {
    pull: [
      {
        url: 'http://shop.example/metrics',
        series: [
          { metric: 'requests_total', as: 'requests', featureLabel: 'route', regionLabel: 'region' },
          {
            metric: 'requests_total',
            as: 'errors',
            where: { code: '5..' },
            featureLabel: 'route',
            regionLabel: 'region',
          },
        ],
      },
    ],
  },
})

const page = (eu: number, euErrors: number, us: number) => `# HELP requests_total Requests
# TYPE requests_total counter
requests_total{route="cart",region="eu",code="200"} ${eu}
requests_total{route="cart",region="eu",code="503"} ${euErrors}
requests_total{route="cart",region="us",code="200"} ${us} 1395066363000
requests_total{route="unheard-of",region="us",code="200"} 7
other_total 12
process_start_time_seconds NaN
`
const open = () => createPullReader(entry, entry.traffic.pull[0]!)

test('counters become what they grew by, per feature and region', () => {
  const reader = open()
  expect(reader.read(page(100, 1, 50), 0)).toEqual([])
  expect(reader.read(page(160, 5, 50), 15_000)).toEqual([
    expect.objectContaining({
      featureId: 'cart',
      region: 'eu',
      intervalMs: 15_000,
      requests: 64,
      errors: 4,
      bytes: null,
    }),
    expect.objectContaining({ featureId: 'cart', region: 'us', requests: 0, errors: null }),
  ])
})

test('a counter that begins anew counts from there, and is no surge', () => {
  const reader = open()
  reader.read(page(1_000_000, 0, 0), 0)
  expect(reader.read(page(20, 0, 0), 15_000)[0]).toMatchObject({ requests: 20 })
})

test('after a page that could not be read the interval is unknown', () => {
  const reader = open()
  reader.read(page(100, 0, 0), 0)
  reader.skip()
  expect(reader.read(page(100_000, 0, 0), 30_000)).toEqual([])
  expect(reader.read(page(100_010, 0, 0), 45_000)[0]).toMatchObject({ requests: 10 })
})

test('a hostile page of one endless label is read in one pass', () => {
  const reader = createPullReader(entry, entry.traffic.pull[0]!)
  expect(reader.read(`requests_total{${'a'.repeat(2_000_000)}} 1\n`, 0)).toEqual([])
})
