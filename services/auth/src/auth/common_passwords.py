"""Common passwords, and the words that people decorate with digits: all of them case-folded."""

_WORDS = """
0123456789 0987654321 1029384756 1122334455 11223344556677889900 1212121212 123123123123
1234512345 123456123456 1234567890 123456789012 1234567891 12345678910 123abc456 123qweasd
123qweasdzxc 1314520520 1357924680 147258369 1472583690 159753456 1q2w3e4r 1q2w3e4r5t 1qaz2wsx
1qaz2wsx3edc 2468013579 3141592653 31415926535 5201314520 7894561230 9876543210 a123456
a123456789 a1b2c3d4 a1b2c3d4e5 aa123456 abc abc123def456 abcabcabc abcd abcd1234 abcdabcd abcde
abcdef abcdefg abcdefgh abcdefghi abcdefghij abcdefghijk abcdefghijkl access admin adminadmin
administrator aini aini1314 andrew april asdf1234asdf asdfghjkl asdfghjkl; ashley august autumn
azerty azertyuiop baseball basketball batman battery beijing bicycle bienvenue bike changeit
changeme changemenow charlie company computer contraseña correct correcthorsebatterystaple
corvette customer customerservice daniel december default dragon ebike facebook february ferrari
fiido fiidoadmin fiidokefu football freedom friday google guanliyuan guest haslo hello
helloworld helpdesk hockey horse hunter iloveu iloveyou iloveyou1314 internet january jennifer
jessica jordan joshua july june kefu letmein letmeinnow login loremipsum loremipsumdolor loveme
loveyou march master matthew mercedes michael michelle mima monday monkey motdepasse mustang
nothing november october office parola passpass passw password password1password
passwordpassword passwort pokemon princess q123456789 q1w2e3r4 q1w2e3r4t5 qazwsx qazwsxedc
qwe123qwe123 qweasd qweasdzxc qwerty qwertyqwerty qwertyui qwertyuiop qwertz qwertzuiop root
rootroot samsung saturday secret september service shadow shanghai shenzhen signin soccer
spiderman spring staple starwars summer sunday sunshine superman supersecret support test tester
testing testtest thequickbrownfox thomas thursday topsecret trustno tuesday user wachtwoord
wednesday welcome whatever willkommen winter woaini woaini1314 woaini520 woainima wodemima
zaq12wsx zhanghao zhongguo zxcvbnm zxcvbnm123
"""

COMMON_PASSWORDS = frozenset(_WORDS.split())
