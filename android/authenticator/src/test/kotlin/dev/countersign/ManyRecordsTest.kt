package dev.countersign

import dev.countersign.phone.Phone
import dev.countersign.world.World
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.nio.file.Path

class ManyRecordsTest {
    @Test
    fun `ten thousand prompts are listed`(@TempDir folder: Path) = runBlocking<Unit> {
        World.person().use { person ->
            Phone(folder).open().use { phone ->
                phone.add(person)
                phone.prompt()
                phone.core.shutDown()
                World.fillPrompts("${phone.folders.home}/countersign.db", 10_000)
                phone.open()
                val prompts = phone.core.snapshot().prompts
                assertEquals(10_001, prompts.size)
                assertEquals(10_001, prompts.map { it.id.jti }.toSet().size)
            }
        }
    }
}
