import { describe, expect, test } from 'vitest';
import { codeOf, faultOf, wordsOf } from '../../src/cloud/faults.ts';

describe("the services' own words", () => {
  test.each([
    ['Nova', '{"itemNotFound": {"code": 404, "message": "Instance x could not be found."}}', 'Instance x could not be found'],
    ['Nova, older', '{"computeFault": {"message": "Boom", "code": 500}}', 'Boom'],
    ['Neutron', '{"NeutronError": {"type": "PortNotFound", "message": "Port x could not be found.", "detail": ""}}', 'Port x could not be found'],
    ['Neutron, a bare string', '{"NeutronError": "Invalid body"}', 'Invalid body'],
    ['Keystone', '{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}', 'The request you have made requires authentication'],
    ['Cinder', '{"badRequest": {"code": 400, "message": "Invalid volume: Volume status must be available"}}', 'Invalid volume: Volume status must be available'],
    ['Placement', '{"errors": [{"status": 409, "title": "Conflict", "detail": "There was a conflict."}]}', 'There was a conflict'],
    ['Glance, JSON with HTML', '{"message": "No image found with ID x<br /><br />\\n\\n\\n", "code": "404 Not Found", "title": "Not Found"}', 'No image found with ID x'],
    ['Glance, HTML', '<html>\n <head>\n  <title>403 Forbidden</title>\n </head>\n <body>\n  <h1>403 Forbidden</h1>\n  You may not do &quot;that&quot;.<br /><br />\n\n </body>\n</html>', 'You may not do "that"'],
    ['Glance, plain text', '409 Conflict\n\nImage status transition is not allowed\n\n   ', 'Image status transition is not allowed'],
    ['a proxy', '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>', '502 Bad Gateway'],
    ['OpenID Connect', '{"error": "invalid_grant", "error_description": "Invalid user credentials"}', 'Invalid user credentials'],
    ['Pecan', '{"faultcode": "Client", "faultstring": "Unknown attribute", "debuginfo": null}', 'Unknown attribute'],
    ['nothing', '', ''],
    ['JSON that says nothing', '{"code": 500, "x": null, "y": []}', ''],
  ])('%s', (_, text, words) => {
    expect(wordsOf(text)).toBe(words);
  });

  test('are one line of bearable length', () => {
    expect(wordsOf(`{"error": {"message": "a\\nb\\n\\n  c"}}`)).toBe('a b c');
    expect(wordsOf('x'.repeat(5000)).length).toBeLessThan(410);
  });

  test('stand in the error with the call and its status', () => {
    const error = faultOf('compute', 'GET', '/servers/x', { status: 404, headers: {}, text: '{"itemNotFound": {"message": "Instance x could not be found."}}' });
    expect(error).toMatchObject({ code: 'not-found', status: 404, message: 'compute: Instance x could not be found (GET /servers/x: 404)' });
  });
});

describe('what an answer means', () => {
  test.each([
    [401, '', 'auth'],
    [403, "Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.", 'forbidden'],
    [403, 'Quota exceeded for cores: Requested 8, but already used 4 of 10 cores', 'quota'],
    [403, 'Maximum number of key pairs exceeded', 'quota'],
    [409, '{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: [\'port\']."}}', 'quota'],
    [409, "Cannot 'createImage' instance x while it is in task_state image_snapshot", 'conflict'],
    [413, 'VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota', 'quota'],
    [413, '', 'quota'],
    [404, '', 'not-found'],
    [410, '', 'not-found'],
    [400, 'Invalid input', 'cloud'],
    [500, 'quota exceeded while thinking', 'cloud'],
  ] as const)('%i %s', (status, text, code) => {
    expect(codeOf(status, text)).toBe(code);
  });
});
