/** What Cinder takes for true and false. */
export const BOOLEANS = [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't', false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f'];

export const truthy = (value: unknown): boolean => BOOLEANS.indexOf(value as string) < BOOLEANS.indexOf(false) && BOOLEANS.includes(value as string);
