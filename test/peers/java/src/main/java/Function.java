import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A Java function that does what an intruder does: a child, a socket, a file in /tmp, an open file without a name. */
public class Function {
  private static final List<Object> KEPT = new ArrayList<>();

  public Object handle(Map<String, Object> event) throws Exception {
    if (Boolean.TRUE.equals(event.get("leave"))) return leave();
    while (Boolean.TRUE.equals(event.get("spin"))) Thread.onSpinWait();
    if (event.get("exit") != null) Runtime.getRuntime().halt(((Number) event.get("exit")).intValue());
    return "done";
  }

  private static Object leave() throws Exception {
    ServerSocket listener = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"));
    RandomAccessFile nameless = new RandomAccessFile("/tmp/nameless", "rw");
    nameless.writeBytes("deleted and still open\n");
    Files.delete(Path.of("/tmp/nameless"));
    Path script = Path.of("/tmp/dropped.sh");
    Files.writeString(script, "#!/bin/sh\nexec sleep 1000\n");
    script.toFile().setExecutable(true);
    Process child = new ProcessBuilder(script.toString()).start();
    KEPT.addAll(List.of(listener, nameless, child));
    return Map.of("pid", ProcessHandle.current().pid(), "child", child.pid(), "port", listener.getLocalPort());
  }
}
