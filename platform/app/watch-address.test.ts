import { expect, test } from 'vitest'
import { watchPageUrlFor, watchStatusUrlFor } from './watch-address.ts'

test.each([
  [null, 'localhost', null],
  ['http://localhost:8090', 'localhost', 'http://localhost:8090/api/v1/services/upbeat/status.json'],
  ['http://localhost:8090/', '192.0.2.7', 'http://192.0.2.7:8090/api/v1/services/upbeat/status.json'],
  ['https://w.example/s/mine', 'v.example', 'https://w.example/api/v1/services/mine/status.json'],
  [
    'https://e.example/watch/s/mine/',
    'v.example',
    'https://e.example/watch/api/v1/services/mine/status.json',
  ],
])('with WATCH_URL %s, a browser at %s asks %s', (watchUrl, hostname, expected) => {
  expect(watchStatusUrlFor(watchUrl, hostname)).toBe(expected)
})

test.each([
  [null, 'localhost', null],
  ['http://localhost:8090', '192.0.2.7', 'http://192.0.2.7:8090/'],
  ['https://w.example/s/mine', 'v.example', 'https://w.example/s/mine'],
])('with WATCH_URL %s, a person at %s reads %s', (watchUrl, hostname, expected) => {
  expect(watchPageUrlFor(watchUrl, hostname)).toBe(expected)
})
