"""Words beside a number that say what the number is, in every supported language.

A table entry ending in ``*`` is a stem: languages with cases and compounds ("zamówienia", "Bestellnummer") need no
list of
forms. All entries are folded like the messages, so diacritics, hamza forms and final sigma do not matter.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from enum import StrEnum
from functools import cache, lru_cache

from triage.detection.folding import FoldedText, fold_words, word_set


class Cue(StrEnum):
    """What a cue word announces."""

    ORDER = "order"
    TRACKING = "tracking"
    SKU = "sku"
    PHONE = "phone"
    POSTAL = "postal"
    ADDRESS = "address"
    CARD = "card"
    ACCOUNT = "account"
    OTHER = "other"
    """Numbers that are none of the entity types: tax, serial, ticket and customer numbers, codes to type in."""


_WORDS = {
    Cue.ORDER: """
        order orders orderid don ma|vd rend замовл* faktur* fv invoice* rechnung* facture* factura* fattura* fatura*
        factuur* lasku* τιμολογι* hoa|don فاتور* الفاتور* חשבונית* ref reference orden ordenes ordine ordini ordernr
        ordernummer* ordre* orden* zamowieni* zam zlecen* pesanan* orderan* ordernya bestell* auftrag* auftr pedido*
        encomenda* commande commandes comanda comanzi comenzi comenzii comenzile comanda* bestelling* bestelnummer*
        bestelnr siparis* objednavk* objednavc* obj заказ* замовлен* order* bestallning* bestilling* tilaus*
        tilauks* tilaam* rendeles* megrendeles* παραγγελι* don|hang don|dat ma|don tempahan* הזמנ* طلب طلبي طلبك
        طلبيه طلبيات طلبيتي طلبنا الطلب الطلبيه اوردر* الاوردر* كوماند* commandat no|pesanan compra* acquisto
        vasarlas* transaksi dossier* encargo cde cdes commander* best|nr cancel* storno* stornier* anul* annul*
        batal* الغوا الغاء iptal* zrus* отмен* скасу* avbestall* annuller* perua* peruut* torol* lemond* ακυρω*
    """,
    Cue.TRACKING: """
        tracking trackingnummer* trackingnr tracker parcel* shipment* package packages consignment waybill awb
        track|trace przesylk* paczk* paczce sledzeni* przewozow* resi resinya noresi lacak* suivi colis sendung*
        sendungs* paket* paketnummer* seguimiento envio* rastreo guia paquete* rastreio rastreamento rastrear
        spedizion* tracciamento pacco lettera|di|vettura zending* pakket* pakje takip kargo* gonderi* zasilk* balik*
        sledovac* colet* трек* посылк* отправлени* накладн* отслежив* посилк* відправлен* ттн kollinummer* kolli*
        sparning* forsandelse* kollinr pakke* sporing* sendingsnummer* seuranta* seurantanumero* seurantatunnus*
        lahetys* lahetykse* csomag* nyomkoveto* nyomkovetes* kuldemeny* αποστολη* δεμα* δεματο* ιχνηλασ* van|don
        ma|van bungkusan* penghantaran* משלוח* מעקב חביל* شحن* الشحن* شحنه* تتبع بوليصه طرد الطرد dhl ups fedex usps
        inpost dpd gls hermes evri jne jnt sicepat anteraja ninja aramex smsa postnl colissimo chronopost correos
        royal|mail bpost yurtici aras posta|romana cargus sameday packeta zasilkovna nova|poshta сдэк cdek новапошта
        posti postnord tnt ctt seur mrw brt sda bartolini foxpost pos|laju viettel ghn ghtk tba
    """,
    Cue.SKU: """
        sku art лот asin model* modell* modelo* modele* model|no item item|number article artikel* artykul*
        articulo* articolo* artigo* produkt* product producto* produto* prodotto* produit* oferta oferty ofercie
        aukcj* listing kode|produk kode|barang produk barang tipe type typ tip part|number موديل* الموديل* منتج*
        المنتج* صنف القطعه urun* urunu malli* tuote* cikkszam* cikk termek* zbozi vyrobek* produs* модел* артикул*
        товар* vare* varenummer* varenr μοντελο* κωδικο|προιοντος προιον* san|pham דגם פריט* מקט ean gtin upc
        referencia riferimento
    """,
    Cue.PHONE: """
        phone telephone tel tlf mobile mob cell cellphone call ring whatsapp wa sms text telefon* telefonu tel|nr
        komork* dzwon* zadzwon* oddzwon* hp hpku telp tlp telpon* telepon* hubungi hub contact kontakt* handy*
        mobil* mobilnummer* anruf* ruckruf* telefono* telef movil movel* celular* llam* ligar telephon* portable
        appel* rappel* cellulare* chiam* bellen telefoon* telefoonnummer* cep numaram arayin ara volat zavol*
        numarul suna* sunati телефон* тел звон* позвон* подзвон* дзвон* номер|телефону ring* ringa puhelin*
        puhelinnumero* puh soita* telefonszam* hiv* τηλεφων* τηλ κινητο* καλεστε dien|thoai sdt goi telefonnummer*
        hotline nombor טלפון* נייד جوال* الجوال* جوالي موبايل* الموبايل* تليفون* هاتف* الهاتف* واتس* اتصل* تواصل*
        للتواصل gsm fon nomor|hp no|hp no|wa portabel nummer|ist
    """,
    Cue.POSTAL: """
        zip zipcode postcode postcodes postal pincode pin|code plz postleitzahl* pocztowy pocztowym pocztowego
        kodepos kode|pos poskod code|postal codice|postale cap cep cp codigo|postal psc posta|kodu почтов* индекс*
        індекс* ταχ|κωδικας поштов* postnummer* postnr postinumero* iranyitoszam* irsz ταχυδρομικο* τκ ma|buu מיקוד
        الرمز|البريدي البريدي البريد|الرمز postkode* cod|postal zip|code eircode بوسطال ongkir
    """,
    Cue.ADDRESS: """
        street st ave avenue road rd lane drive blvd court ct apt address deliver* ship ul ulica ulicy al aleja os
        adres* adresie jl jln jalan gang alamat* strasse str weg platz anschrift adresse* adress* calle avda
        direccion* rue via piazza indirizzo* rua endereco* straat laan cad sok mah mahallesi cadde* ulice adresa*
        strada улиц* ул адрес* вул* вулиц* gata gatan vagen vej gade gata veien katu* tie osoit* utca* cim* οδος
        διευθυνσ* duong dia|chi lorong taman רחוב כתובת شارع عنوان* العنوان* حي piso quai allee impasse bd boulevard
        place plaza paseo carrera colonia viale corso avenida travessa largo praca kade gracht plein livraison
        lieferung levering bulvar* daire mahalle namesti bulevar* проспект* пр бул площ* plads torv alle kuja polku
        krt korut λεωφορ* πλατεια quan phuong kampung packstation wohn* wysylk* kirim* city town store near
        lieferadresse* rumah kota plac
    """,
    Cue.CARD: """
        card cards visa mastercard amex debit credit karta kartę karty kartą karcie kart* kartu* kredit* karte*
        kreditkarte* tarjeta* carte carta cartao kaart* creditcard* kredi karty kartou card* карт* kort* kortti*
        korti* luotto* kartya* bankkartya* καρτα* the|tin כרטיס* بطاق* البطاق* بطاقتي للبطاق* maestro
    """,
    Cue.ACCOUNT: """
        iban iban* account konto* kont* bank rekening* rek kontonummer* bankverbindung cuenta* compte* conto conta
        rekeningnummer* hesap* hesab* ucet* uctu cont contul счет* счёт* рахун* tili* tilinumero* szamla*
        bankszamla* λογαριασμ* tai|khoan akaun חשבון* حساب* الحساب* ايبان* الايبان*
    """,
    Cue.OTHER: """
        nip vat tax tin gstin gst ust ustid ustidnr uid steuernummer* vat-id iva nif cif siret siren piva
        partita|iva pesel regon krs cnpj cpf npwp ico dic cui инн кпп єдрпоу orgnr org adoszam* αφμ vkn tckn vergi*
        ضريبي* الضريبي* serial serien* seriyjn* seri imei sn serienummer* sarjanumero* gyari|szam ticket case caseid
        zgloszen* sprawa sprawy sprawie claim coupon voucher* promo promocode kupon* rabat* rabatt* gutschein*
        discount code|promo codigo|promocional buono kortingscode* kuponu промокод* alennuskoodi* kuponkod* kod kodu
        kodem kode codice codigo code kود كود الكود خصم قسيمه pin otp password haslo kundennummer* customer
        customers klient* socio* member* cliente* client clients klant* kundenr medlem* asiakas* pelanggan
        kundenummer* asiakasnumero* ugyfelszam* paczkomat* paczkomatu locker utr transakcj* transaction* version*
        wersj* versao firmware android ios windows bluetooth usb room flat po vote vol aduan laporan case|id
        reklamacj* sprawozd* ustaw* paragraf virtual|account va bca bni bri mandiri dana|ke номер|ттн polic* police*
        polis* insurance vorgang* vorgangsnummer* incidencia* reclamo* pratica* saksnummer* arende* sagsnummer*
    """,
}

_CONNECTORS = (
    r"no|nr|nro|num|number|numbers|numer|numero|numeru|numerze|numerem|nummer|nomor|nomornya|nomer|nombor|numaram|"
    r"numara|numarasi|"
    r"numarali|n|o|id|is|was|to|my|the|of|our|your|this|c|cislo|cislem|cisla|szam|szama|sz|arithmoσ|αριθμοσ|αριθμο|"
    r"αρ|so|ma|numarul|"
    r"numarului|nrul|ist|lautet|est|es|e|adalah|yaitu|ini|jest|pod|con|mit|met|med|z|s|cu|dengan|saya|sy|aku|gue|"
    r"mein|meine|meiner|"
    r"mon|ma|mi|mio|mia|minha|meu|moje|mojego|mojej|id|номер|номером|номера|за|ה?מספר|שלי|رقم|رقمه|رقمها|الرقم|"
    r"برقم|ذو|ذات|"
    r"na|pertama|kedua|on|eslabon|kohti|numret|nummeret|numero|numer[oy]|и|und|and|et|y|i|oraz|dan|و|code|id|hang|don|e-?n"
)
_GAP = re.compile(rf"(?:[\s:.#,()\[\]«»\"'„”“=*>/&·-]|(?<![^\W_])(?:{_CONNECTORS})(?![^\W_]))*")
_NUMBER_GAP = re.compile(
    r"(?:(?<![^\W_])(?:no|nr|nro|num|number|numer\w{0,3}|nummer|nomor\w{0,3}|nomer|nombor|id|cislo|numara\w{0,4}|"
    r"szam\w{0,3}|"
    r"номер\w{0,3}|(?:ال)?رقم\w{0,2}|מספר|αριθμ\w{0,3}|so|n ?°)|#)[\s.:]{0,3}$"
)
_AFTER = re.compile(
    r"['-]?\s?(?:numarali|nolu|no'?lu|numaral\w{1,4}|szamu|sz\.?|-s|номер\w{0,3})\s+([^\W\d_]+)|"
    r"(?:-(?:es|as|os|s))?\s((?:meg)?rendeles\w*|siparis\w*|tilau\w*)"
)
_WORD = re.compile(r"[^\W\d_]+")
_CODE_WORDS = word_set("kod kodu kodem kode codice codigo code كود الكود")
_SENTENCE_BREAK = re.compile(r"[!?;\n]|\.\s(?=[A-ZА-ЯΑ-Ω\u0590-\u06ff])")
_REACH = 40
_LONGEST_STEM = 16


@cache
def _tables() -> tuple[dict[str, Cue], dict[str, Cue]]:
    """(whole words and pairs, stems), filled so that an earlier kind of ``_WORDS`` wins."""
    whole: dict[str, Cue] = {}
    stems: dict[str, Cue] = {}
    for cue, words in _WORDS.items():
        for word in fold_words(words).split():
            table = stems if word.endswith("*") else whole
            table.setdefault(word.rstrip("*").replace("|", " "), cue)
    return whole, stems


@lru_cache(maxsize=8192)
def _cue_of(word: str) -> Cue | None:
    whole, stems = _tables()
    if word in whole:
        return whole[word]
    for size in range(min(len(word), _LONGEST_STEM), 2, -1):
        if word[:size] in stems:
            return stems[word[:size]]
    return None


# Arabic and Hebrew write "and", "the", "in", "for" onto the word.
_CLITICS = re.compile(r"(?:[وفبلك]?ال|لل|[وفبلك])(?=[\u0600-\u06ff]{3})|[הבלשומכ]{1,2}(?=[\u05d0-\u05ea]{3})")


def cue_of(word: str) -> Cue | None:
    """The cue that a folded lower-case word gives, if any."""
    if len(word) > 32:
        return None
    found = _cue_of(word)
    clitic = None if found else _CLITICS.match(word)
    return _cue_of(word[clitic.end() :]) if clitic else found


class CueIndex:
    """All cue words of one message, by where they end."""

    def __init__(self, folded: FoldedText) -> None:
        """Read every word of the text once."""
        self._lower = folded.lower
        self._text = folded.text
        self._ends: list[int] = []
        self._cues: list[Cue] = []
        whole = _tables()[0]
        previous = ""
        previous_end = -2
        for match in _WORD.finditer(folded.lower):
            word = match.group()
            pair = f"{previous} {word}" if match.start() - previous_end <= 2 else ""
            cue = whole.get(pair) or cue_of(word)
            if cue is Cue.OTHER and word in _CODE_WORDS and self._ends and match.start() - self._ends[-1] <= 2:
                cue = self._cues[-1]  # "takip kodu", "order code": the word before says what the code is for
            previous, previous_end = word, match.end()
            if cue is not None:
                self._ends.append(match.end())
                self._cues.append(cue)

    def before(self, start: int) -> tuple[Cue | None, bool]:
        """The nearest cue before ``start`` in its sentence, and whether only connecting words stand between."""
        index = bisect_right(self._ends, start) - 1
        if index < 0 or start - self._ends[index] > _REACH:
            return None, False
        gap = self._lower[self._ends[index] : start]
        if _GAP.fullmatch(gap):
            return self._cues[index], True
        broken = _SENTENCE_BREAK.search(self._text, self._ends[index], start)
        return (None, False) if broken else (self._cues[index], False)

    def after(self, end: int) -> Cue | None:
        """The cue that follows, where a language puts the number first ("12345 numaralı sipariş", "12345 számú …")."""
        match = _AFTER.match(self._lower, end)
        return cue_of(match.group(1) or match.group(2)) if match else None

    def numbered(self, start: int) -> bool:
        """Whether a word or sign for "number" stands right before ``start``."""
        return bool(_NUMBER_GAP.search(self._lower[max(0, start - 14) : start]))

    def within(self, start: int, *kinds: Cue, reach: int) -> bool:
        """Whether a cue of ``kinds`` ends at most ``reach`` characters before ``start``."""
        index = bisect_right(self._ends, start) - 1
        while index >= 0 and start - self._ends[index] <= reach:
            if self._cues[index] in kinds:
                return True
            index -= 1
        return False
