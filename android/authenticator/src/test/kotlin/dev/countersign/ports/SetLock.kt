package dev.countersign.ports

import dev.countersign.core.DeviceLock
import dev.countersign.core.LockState

/** The device lock port: as the test sets it. */
class SetLock(@Volatile var lock: LockState = LockState.BIOMETRIC) : DeviceLock {
    override fun state(): LockState = lock
}
