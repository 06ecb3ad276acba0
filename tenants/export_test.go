package tenants

// StoreDeviceUnder stores what a device asks for under codes of the test's own.
var StoreDeviceUnder = (*Live).storeDevice
