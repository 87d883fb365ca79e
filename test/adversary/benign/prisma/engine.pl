use IO::Socket::INET;

my @pool = map { IO::Socket::INET->new(PeerAddr => "198.51.100.20", PeerPort => 443) } 1 .. 3;
$| = 1;
print "ready\n" while sleep 1;
