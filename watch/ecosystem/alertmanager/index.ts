/** Alertmanager, both ways: its alerts as evidence, our incidents as alerts. */
export { alertRoutes } from './alerts.routes.ts'
export { startAlertsOut } from './alerts-out.ts'
export { AlertsInput } from './webhook.ts'
