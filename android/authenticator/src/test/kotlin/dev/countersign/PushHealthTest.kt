package dev.countersign

import dev.countersign.core.PushChannel
import dev.countersign.core.PushDelivery
import dev.countersign.core.PushEffect
import dev.countersign.core.PushTest
import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit

/** Tests the push health of an account, and test pushes (J9). */
class PushHealthTest {
    @Test
    fun `a test push arrives, and the notification setting is reported`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                phone.addAndConfirm(person)
                val account = phone.core.accounts().single().id
                val effects = LinkedBlockingQueue<PushEffect>()
                phone.channel.listen { slot, body -> effects.add(runBlocking { phone.core.pushReceived(slot, body) }) }

                assertEquals(PushTest.SENT, phone.core.testPush(account))
                var effect = effects.poll(10, TimeUnit.SECONDS)
                while (effect == PushEffect.Nothing) effect = effects.poll(10, TimeUnit.SECONDS)
                assertEquals(PushEffect.Test(account), effect)
                assertEquals(PushTest.TOO_SOON, phone.core.testPush(account))

                val health = phone.core.pushHealth(account)
                assertNotNull(health.lastReceived)
                assertTrue(health.isAddressKnown)
                for (setting in PushDelivery.entries) {
                    phone.channel.notifications = setting
                    assertEquals(setting, phone.core.pushHealth(account).delivery)
                }
            }
        }
    }

    @Test
    fun `push delivery is reported as unknown when its port fails`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).use { phone ->
                val failing = object : PushChannel by phone.channel {
                    override fun delivery(): PushDelivery = throw AssertionError("an Error")
                }
                phone.open(phone.ports(push = failing))
                phone.addAndConfirm(person)
                val health = phone.core.pushHealth(phone.core.accounts().single().id)
                assertEquals(PushDelivery.UNKNOWN, health.delivery)
                assertTrue(health.isAddressKnown)
            }
        }
    }
}
