# The shape of php-fpm: a master and two workers that set their titles, each connected to a database on the internet.
use IO::Socket::INET;

$0 = "php-fpm: master process (/opt/php-fpm.conf)";
for my $turn (1, 2) {
    next if fork;
    $0 = "php-fpm: pool default";
    my $database = IO::Socket::INET->new(PeerAddr => "198.51.100.20", PeerPort => 443);
    sleep 1 while getppid != 1;
    exit;
}
sleep 1 while getppid != 1;
