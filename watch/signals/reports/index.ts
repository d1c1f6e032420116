/** What people report. */
export { readCookie, registerReports, reporterCookie } from './reports.routes.ts'
export { openReports, type Reports } from './take-report.ts'
