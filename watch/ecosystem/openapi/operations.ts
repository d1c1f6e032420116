/** What each operation for programs is for, in one table, as /api/openapi.json tells it. Pages for people are none. */
import type { z } from 'zod'
import { MarkerInput, TrafficInput, WatchStatus } from '../../../contract/watch.ts'
import { AgentResults, AgentWork, RESULTS_PATH, WORK_PATH } from '../../agent/protocol.ts'
import { AlertsInput } from '../alertmanager/index.ts'

export interface Operation {
  readonly summary: string
  /** Who may: anyone, or whoever signs with a key of the service's file. */
  readonly access: 'open' | 'signed' | 'signed-or-bearer'
  /** A body that the route itself checks, as its bytes are signed. */
  readonly body?: z.ZodType
  readonly answer?: z.ZodType
  /** @default 200 */
  readonly status?: 200 | 201 | 202 | 204
}

type Operations = Readonly<Record<string, Operation>>

const open = (summary: string, answer?: z.ZodType): Operation => ({
  summary,
  access: 'open',
  ...(answer && { answer }),
})
const signed = (summary: string, body?: z.ZodType, answer?: z.ZodType): Operation => ({
  summary,
  access: 'signed',
  ...(body && { body }),
  ...(answer && { answer }),
})

const SERVICE = '/api/v1/services/{service}'

const STATUSPAGE: Readonly<Record<string, string>> = {
  'summary.json': 'All of it: components, open incidents, maintenance, the status',
  'status.json': 'The status in one word',
  'components.json': 'Components and their groups',
  'incidents.json': 'The newest 50 incidents',
  'incidents/unresolved.json': 'Incidents that are not over',
  'scheduled-maintenances.json': 'Maintenance: past, under way and to come',
  'scheduled-maintenances/upcoming.json': 'Maintenance to come',
  'scheduled-maintenances/active.json': 'Maintenance under way',
}

const statuspageAt = (prefix: string, whose: string): Operations =>
  Object.fromEntries(
    Object.entries(STATUSPAGE).map(([path, summary]) => [
      `GET ${prefix}/api/v2/${path}`,
      open(`${summary}, ${whose}, as Statuspage’s API v2 says it`),
    ]),
  )

/** By tag, then by method and path. */
export const OPERATIONS: Readonly<Record<string, Operations>> = {
  status: {
    [`GET ${SERVICE}/status.json`]: open('A service as a banner shows it', WatchStatus),
    'GET /metrics': open('All services in Prometheus’s text format'),
    'GET /s/{service}/history.rss': open('Incidents of a service as RSS'),
    'GET /s/{service}/history.atom': open('Incidents of a service as Atom'),
    'GET /history.rss': open('Incidents of the first service as RSS'),
    'GET /history.atom': open('Incidents of the first service as Atom'),
    'GET /s/{service}/badge.svg': open('The status of a service as a picture'),
    'GET /s/{service}/components/{slug}/badge.svg': open('The status of a component as a picture'),
    'GET /s/{service}/components/{slug}/uptime.svg': open(
      'The uptime of a component in 90 days as a picture',
    ),
  },
  statuspage: {
    ...statuspageAt('/s/{service}', 'of a service'),
    ...statuspageAt('', 'of the first service'),
  },
  reports: {
    [`POST ${SERVICE}/reports`]: { ...open('Say that something does not work'), status: 201 },
    'GET /api/v1/challenge': open('A proof of work, for when a report is answered by proof-of-work-needed'),
  },
  diagnosis: {
    [`GET ${SERVICE}/evidence`]: open('What is known of a service at the asker’s place'),
    [`POST ${SERVICE}/checks`]: { ...open('Say how the check of a browser went'), status: 204 },
    'GET /beacon': open('Give the caller’s own number back, and the time'),
  },
  pushes: {
    [`POST ${SERVICE}/markers`]: {
      ...signed('Say that something was done to the service', MarkerInput),
      status: 201,
    },
    [`POST ${SERVICE}/traffic`]: {
      ...signed('Push counts of requests, errors and bytes', TrafficInput),
      status: 202,
    },
    [`POST ${SERVICE}/alerts`]: {
      summary: 'Take alerts of an Alertmanager (its webhook, version 4) as the service’s word on itself',
      access: 'signed-or-bearer',
      body: AlertsInput,
      status: 202,
    },
  },
  agents: {
    [`POST ${WORK_PATH}`]: signed('Ask what to check from here', undefined, AgentWork),
    [`POST ${RESULTS_PATH}`]: { ...signed('Say what the checks found', AgentResults), status: 202 },
  },
  telling: {
    [`POST ${SERVICE}/push-subscriptions`]: { ...open('Have a browser told by web push'), status: 201 },
  },
  watch: {
    'GET /healthz': open('Whether the watch runs, and how many faults its service files have'),
    'GET /api/v1/problems': open('Every code of an error, with what it means and what to do'),
  },
}
