/** The mark of the service, for the browser's tab. */
export const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none" stroke="#3b6fe0" stroke-width="2">' +
  '<rect x="2" y="2" width="16" height="16" rx="5"/>' +
  '<path d="m6.5 10.5 2.5 2.5 5-6" stroke-linecap="round" stroke-linejoin="round"/></svg>';
